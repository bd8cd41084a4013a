module libarcentra.example/bench-spec

go 1.19

require go.yaml.in/yaml/v3 v3.0.4
