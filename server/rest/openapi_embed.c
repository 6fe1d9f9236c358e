#include "base/base.h"

/* The file itself, as it stands in the source tree. */
extern const char openapi_yaml[];
extern const char openapi_yaml_end[];
__asm__(".section .rodata\n"
        ".global openapi_yaml, openapi_yaml_end\n"
        "openapi_yaml: .incbin \"server/rest/openapi.yaml\"\n"
        "openapi_yaml_end: .byte 0\n"
        ".previous\n");
