#include "base/base.h"

#include <unistd.h>

void cleanup_free(void *pointer_to_pointer) {
    void *p;
    memcpy(&p, pointer_to_pointer, sizeof p);
    free(p);
}

void cleanup_close(int *fd) {
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

void cleanup_fclose(FILE **file) {
    if (*file) {
        fclose(*file);
    }
    *file = NULL;
}
