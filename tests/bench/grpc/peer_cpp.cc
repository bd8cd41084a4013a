// SPDX-License-Identifier: Apache-2.0
// The peer in C++: gRPC's callback API, its fastest, as its documentation shows it.
//     peer_cpp [CERT KEY]     prints "port N"; ends when its input does
#include <grpcpp/grpcpp.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "bench.grpc.pb.h"

namespace {

class Stream : public grpc::ServerWriteReactor<bench::SumReply> {
public:
    explicit Stream(const bench::SumRequest &request) : left_(request.count())
    {
        reply_.set_sum(request.a() + request.b());
        Next();
    }
    void OnWriteDone(bool ok) override
    {
        if (ok)
            Next();
        else
            Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "lost"));
    }
    void OnDone() override
    {
        delete this;
    }

private:
    void Next()
    {
        if (left_ == 0) {
            Finish(grpc::Status::OK);
            return;
        }
        left_--;
        StartWrite(&reply_);
    }
    bench::SumReply reply_;
    uint32_t left_;
};

class Sum : public bench::SumService::CallbackService {
    grpc::ServerUnaryReactor *GetSum(grpc::CallbackServerContext *context,
                                     const bench::SumRequest *request,
                                     bench::SumReply *reply) override
    {
        reply->set_sum(request->a() + request->b());
        auto *reactor = context->DefaultReactor();
        reactor->Finish(grpc::Status::OK);
        return reactor;
    }
    grpc::ServerWriteReactor<bench::SumReply> *StreamSum(grpc::CallbackServerContext *,
                                                         const bench::SumRequest *request) override
    {
        return new Stream(*request);
    }
};

class Reader : public grpc::ServerReadReactor<bench::LogLine> {
public:
    explicit Reader(bench::Summary *summary) : summary_(summary)
    {
        StartRead(&line_);
    }
    void OnReadDone(bool ok) override
    {
        if (!ok) {
            summary_->set_lines(lines_);
            summary_->set_text_bytes(bytes_);
            Finish(grpc::Status::OK);
            return;
        }
        if (line_.seq() != lines_ + 1) {
            Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "seq"));
            return;
        }
        lines_++;
        bytes_ += line_.text().size();
        StartRead(&line_);
    }
    void OnDone() override
    {
        delete this;
    }

private:
    bench::Summary *summary_;
    bench::LogLine line_;
    uint64_t lines_ = 0, bytes_ = 0;
};

class Intake : public bench::IngestService::CallbackService {
    grpc::ServerReadReactor<bench::LogLine> *Ingest(grpc::CallbackServerContext *,
                                                    bench::Summary *summary) override
    {
        return new Reader(summary);
    }
};

class Echo : public grpc::ServerBidiReactor<bench::SumRequest, bench::SumReply> {
public:
    Echo()
    {
        StartRead(&request_);
    }
    void OnReadDone(bool ok) override
    {
        if (!ok) {
            Finish(grpc::Status::OK);
            return;
        }
        reply_.set_sum(request_.a() + request_.b());
        StartWrite(&reply_);
    }
    void OnWriteDone(bool ok) override
    {
        if (ok)
            StartRead(&request_);
        else
            Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "lost"));
    }
    void OnDone() override
    {
        delete this;
    }

private:
    bench::SumRequest request_;
    bench::SumReply reply_;
};

class Idle : public bench::IdleService::CallbackService {
    grpc::ServerBidiReactor<bench::SumRequest, bench::SumReply> *Open(
        grpc::CallbackServerContext *) override
    {
        return new Echo();
    }
};

std::string file(const char *path)
{
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::shared_ptr<grpc::ServerCredentials> credentials(int argc, char **argv)
{
    if (argc < 3)
        return grpc::InsecureServerCredentials();
    grpc::SslServerCredentialsOptions options;
    options.pem_key_cert_pairs.push_back({file(argv[2]), file(argv[1])});
    return grpc::SslServerCredentials(options);
}

} // namespace

int main(int argc, char **argv)
{
    Sum sum;
    Intake ingest;
    Idle idle;
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", credentials(argc, argv), &port);
    builder.RegisterService(&sum);
    builder.RegisterService(&ingest);
    builder.RegisterService(&idle);
    std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    if (!server || port == 0)
        return 1;
    std::printf("port %d\nversion grpc++ %s\n", port, grpc::Version().c_str());
    std::fflush(stdout);
    while (std::getchar() != EOF)
        ;
    server->Shutdown(std::chrono::system_clock::now());
    return 0;
}
