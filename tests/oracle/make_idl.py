#!/usr/bin/env python3
"""make_idl.py IDL.json OUT.thrift OUT.c

Writes the IDL that the C GLib generator of Thrift can turn into C: its output does not compile for fields whose struct
comes later, for some names of methods and fields, or for structs in a circle. So every struct of ours, the arguments and
replies of methods among them, becomes a struct S<number> with fields f<id>: the same bytes on the wire. The C file lists
the types in the order of hms_structs."""
import json
import sys


def main():
    idl, out_idl, out_c = sys.argv[1:]
    with open(idl, encoding="utf-8") as file:
        model = json.load(file)
    structs = [(s["name"], s["fields"]) for s in model["structs"]]
    for service in model["services"]:
        for f in service["functions"]:
            success = [] if f["returnTypeId"] == "void" else [
                {"key": 0, "typeId": f["returnTypeId"], "type": f.get("returnType"), "required": "optional"}]
            throws = [dict(t, required="optional") for t in f["exceptions"]]
            structs += [(f["name"] + "_args", f["arguments"]), (f["name"] + "_reply", success + throws)]
    numbers = {name: i for i, (name, _) in enumerate(structs)}
    with open(out_idl, "w", encoding="utf-8") as file:
        file.write("namespace c_glib Oracle\n")
        for i in in_order(structs, numbers):
            file.write(f"struct S{i} {{\n")
            for f in sorted(structs[i][1], key=lambda field: field["key"]):
                required = "" if f["required"] == "req_out" else f["required"] + " "
                file.write(f"  {f['key']}: {required}{type_text(f['typeId'], f.get('type'), numbers)} f{f['key']}\n")
            file.write("}\n")
    with open(out_c, "w", encoding="utf-8") as file:
        file.write('#include "tests/oracle/peer.h"\n\n#include "oracle_oracle_types.h"\n\n')
        file.write("const PeerType peer_types[] = {\n")
        file.writelines(f'    {{"{name}", oracle_s{i}_get_type}},\n' for i, (name, _) in enumerate(structs))
        file.write("};\n")


def type_text(kind, more, numbers):
    if kind in ("struct", "union", "exception"):
        return f"S{numbers[more['class']]}"
    if kind == "map":
        key = type_text(more["keyTypeId"], more.get("keyType"), numbers)
        return f"map<{key},{type_text(more['valueTypeId'], more.get('valueType'), numbers)}>"
    if kind in ("list", "set"):
        return f"{kind}<{type_text(more['elemTypeId'], more.get('elemType'), numbers)}>"
    return kind


def in_order(structs, numbers):
    """A struct behind those that its fields hold."""
    done, order = set(), []

    def visit(i):
        if i not in done:
            done.add(i)
            for f in structs[i][1]:
                if f["typeId"] in ("struct", "union", "exception"):
                    visit(numbers[f["type"]["class"]])
            order.append(i)
    for i in range(len(structs)):
        visit(i)
    return order


main()
