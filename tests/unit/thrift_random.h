/* Random values of any struct that a table describes, for the tests of thrift/. */
#ifndef PROPOLIS_TESTS_THRIFT_RANDOM_H
#define PROPOLIS_TESTS_THRIFT_RANDOM_H

#include "thrift/thrift.h"

typedef struct RandomShape {
    bool complete;  /* every member is set; else about half of those that need not be */
    unsigned items; /* a container has at most so many */
    unsigned pairs; /* a map or a set */
    unsigned depth; /* below so many levels containers of structs are empty, and structs that need not be there absent */
} RandomShape;

extern const ThriftLimits random_limits; /* roomy */

void *random_struct(Arena *arena, const ThriftStruct *strukt, const RandomShape *shape);
/* Whether B has what A has. What only B has must be empty: zero, "", no items, a struct of such. */
bool random_covers(const ThriftStruct *strukt, const void *a, const void *b);

#endif
