#!/usr/bin/env python3
"""Writes catalog/connection_types.def from a table of facts about the Glue API.

usage: tools/gen_connection_types.py FACTS.tsv > catalog/connection_types.def

The facts (kind, owner, name, type, required, constraints; tab-separated) say which types of connection there are, which
properties, and which members an input has with their limits. What a reader never gets back, because the shape that is
read lacks it, or what is marked sensitive, is a secret."""
import re
import sys

ROOT = "ConnectionInput"
OWN_COLUMNS = {"Name", "Description", "ConnectionType", "ConnectionProperties", "ValidateCredentials", "ValidateForComputeEnvironments"}
READ_SHAPE = {"AuthenticationConfigurationInput": "AuthenticationConfiguration", "OAuth2PropertiesInput": "OAuth2Properties"}
PATTERNS = [
    (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*", "LINE"),
    (r"\S+", "NO_SPACE"),
    (r"^[\x20-\x7E]*$", "PRINTABLE"),
    (".*", "LINE"),
    (None, "TEXT"),
]


def load(path):
    rows = [line.rstrip("\n").split("\t") for line in open(path, encoding="utf-8")]
    members, enums = {}, {}
    for kind, owner, name, type_, *rest in rows:
        if kind == "member":
            members.setdefault(owner, []).append((name, type_, rest[1] if len(rest) > 1 else ""))
        elif kind == "enum":
            enums.setdefault(owner, []).append(name)
    return members, enums


def snake(name):
    name = name.replace("OAuth2", "Oauth2").replace("AWS", "Aws")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def limit(text, key, otherwise):
    found = re.search(r"(?:^|[;(] ?)" + key + r"=(\d+)", text)
    return int(found.group(1)) if found else otherwise


def inner(text, name):
    found = re.search(name + r"\((.*?)\)(?:;|$)", text)
    return found.group(1) if found else ""


def pattern(text):
    found = re.search(r"pattern=(.*?)(?:; sensitive)?$", text)
    if not found:
        return "TEXT"
    known = dict(PATTERNS[:-1])
    if found.group(1) in known:
        return known[found.group(1)]
    return "URL" if "https?" in found.group(1) else "LINE"


def member_row(shape, name, type_, rules, members, enums, todo):
    readable = {m[0] for m in members.get(READ_SHAPE.get(shape, shape), [])}
    secret = "sensitive" in rules or name not in readable
    form, low, high, count, of, check = "TEXT", limit(rules, "min", 0), limit(rules, "max", 65536), 0, "NULL", pattern(rules)
    if type_.startswith("list<") or ":list<" in type_:
        each = inner(rules, "each")
        if not each and "enum=" in rules:
            each = rules
        form, count = "TEXTS", limit(re.sub(r"each\(.*", "", rules), "max", 1000)
        low, high, check = limit(each, "min", 0), limit(each, "max", 65536), pattern(each) if each else "TEXT"
    elif ":map<" in type_:
        value = inner(rules, "value")
        form, count = "MAP", limit(inner(rules, "key"), "max", 128)
        low, high, check = limit(value, "min", 0), limit(value, "max", 65536), "TEXT"
    elif type_.endswith(":structure"):
        form, of = "OBJECT", '"%s"' % type_.split(":")[0]
        todo.append(type_.split(":")[0])
    elif type_.split(":")[0] in enums:
        form, of = "ENUM", '"%s"' % type_.split(":")[0]
    elif not type_.endswith(":string"):
        sys.exit(f"{shape}.{name}: no rule for {type_}")
    return f'CONNECTION_MEMBER("{shape}", "{name}", "{snake(name)}", {form}, {of}, {low}, {high}, {count}, {check}, {str(secret).lower()})'


def main():
    members, enums = load(sys.argv[1])
    out = ["/* Made by tools/gen_connection_types.py: what Glue's API knows about connections. Do not edit.",
           " * CONNECTION_TYPE(name)",
           " * CONNECTION_KEY(name, secret): a property",
           " * CONNECTION_MEMBER(shape, Glue's name, our name, form, shape or enum, least and most bytes of a text, most items of a",
           " *     list or bytes of a map's key, what a text must look like, secret)",
           " * CONNECTION_VALUE(enum, value) */"]
    out += [f'CONNECTION_TYPE("{name}")' for name in enums["ConnectionType"]]
    out += [f'CONNECTION_KEY("{name}", {str("PASSWORD" in name).lower()})' for name in enums["ConnectionPropertyKey"]]
    todo, done, rows, used = [ROOT], set(), [], []
    while todo:
        shape = todo.pop(0)
        if shape in done:
            continue
        done.add(shape)
        for name, type_, rules in members[shape]:
            if shape == ROOT and name in OWN_COLUMNS:
                continue
            rows.append(member_row(shape, name, type_, rules, members, enums, todo))
            used.append(type_.split(":")[0])
    out += rows
    for enum in sorted(set(used) & set(enums)):
        out += [f'CONNECTION_VALUE("{enum}", "{value}")' for value in enums[enum]]
    print("\n".join(out))


main()
