# SPDX-License-Identifier: Apache-2.0
# Takes the service blocks out of a .proto file. protoc-c makes C functions of them, and a method
# called Register becomes a parameter with a C keyword for a name. The library has its own method
# table (rpc-table.awk); nothing is lost.
# A service block begins with "service" in the first column and ends with "}" there.
/^service[ \t]/ { inside = 1 }
!inside { print }
/^}/ { inside = 0 }
