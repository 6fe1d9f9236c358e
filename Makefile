# Propolis. `make help` lists the targets.
CC ?= gcc
VARIANT ?= release
OUT := build/$(VARIANT)
FOLDERS := base
PKGS := jansson libpq yaml-0.1 libmicrohttpd libcurl openssl zlib libpcre2-8
CFLAGS_COMMON := -std=gnu11 -I. -I$(OUT) -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
    -Wcast-qual -Wpointer-arith -Wvla -fno-common -pthread -MMD -MP

SOURCES := $(foreach d,$(FOLDERS),$(wildcard $(d)/*.c))
OBJECTS := $(SOURCES:%.c=$(OUT)/%.o)

.PHONY: all clean
all: $(OBJECTS)
$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_COMMON) -O2 -g $(shell pkg-config --cflags $(PKGS)) -c $< -o $@
clean:
	rm -rf build
-include $(OBJECTS:.o=.d)
