#!/usr/bin/env python3
"""Writes catalog/casefold.auto.c: the simple case folding of names as runs of code points.

The table is fixed for ever: a name's identity is its folded form, so a newer Unicode version must never change what is
already stored. Run it again only to check that the committed file says what this program says:

    tools/gen_casefold.py > catalog/casefold.auto.c        (Python 3.11, Unicode 14.0.0)
"""
import sys
import unicodedata

UNICODE = "14.0.0"


def fold(code):
    """Simple folding: one code point to one code point; what folds only to several stays, or takes its simple lower case."""
    char = chr(code)
    folded = char.casefold()
    if len(folded) == 1:
        return ord(folded)
    lower = char.lower()
    return ord(lower) if len(lower) == 1 else code


def runs():
    """(first, last, step, delta): every STEP-th code point from first to last moves by delta."""
    pairs = [(c, fold(c) - c) for c in range(0x80, 0x110000) if not 0xD800 <= c < 0xE000 and fold(c) != c]
    out = []
    for code, delta in pairs:
        if out:
            first, last, step, d = out[-1]
            gap = code - last
            if d == delta and gap <= 2 and (first == last or gap == step):
                out[-1] = (first, code, gap, d)
                continue
        out.append((code, code, 1, delta))
    return out


def main():
    if unicodedata.unidata_version != UNICODE:
        sys.exit(f"this Python knows Unicode {unicodedata.unidata_version}; the table is fixed at {UNICODE}")
    rows = runs()
    print("/* Written by tools/gen_casefold.py from Unicode " + UNICODE + ". Fixed for ever: see there. */")
    print('#include "catalog/names.h"\n')
    print("const CaseFoldRun casefold_runs[] = {")
    line = "   "
    for first, last, step, delta in rows:
        item = f" {{0x{first:X}, 0x{last:X}, {step}, {delta}}},"
        if len(line) + len(item) > 130:
            print(line)
            line = "   "
        line += item
    print(line)
    print("};")
    print(f"const size_t casefold_run_count = {len(rows)};")


main()
