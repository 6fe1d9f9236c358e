/* The same attacks on a kernel without openat2(2). */
#define STORAGE_TEST_WITHOUT_OPENAT2
#include "tests/unit/test_storage_file.c"
