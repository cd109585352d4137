# hap: programs in bin/, one for each src/*/hap-NAME.c; everything else under
# src/ is the library. `make`, `make check`, `make bench`, `make install`.
# Variables: PORTABLE=1 (no -march=native), ASAN=1, TSAN=1, PREFIX, DESTDIR.

VERSION := 0.1.0
CC ?= cc
PREFIX ?= /usr/local
CSTD := -std=c11 -D_GNU_SOURCE
WARN := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wundef
CFLAGS ?= -O3 -g
ifndef PORTABLE
ARCH := -march=native
else
ARCH := -mavx2 -mfma -mf16c
ifneq ($(PORTABLE),avx2)
ARCH :=
endif
endif
BUILD := build
ifdef ASAN
BUILD := build-asan
SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS := -O1 -g
endif
ifdef TSAN
BUILD := build-tsan
SAN := -fsanitize=thread
CFLAGS := -O1 -g
endif
ifeq ($(BUILD),build)
BIN := bin
else
BIN := $(BUILD)/bin
endif

CPPFLAGS += -Isrc -DHAP_VERSION='"$(VERSION)"' -DHAP_DATADIR='"$(PREFIX)/share/hap"'
ALL_CFLAGS = $(CSTD) $(CPPFLAGS) $(WARN) $(CFLAGS) $(ARCH) $(SAN) -fopenmp -ffp-contract=fast -MMD -MP
LDLIBS := -lmsgpackc -ljansson -lpcre2-8 -lxxhash -lopenblas -lz -lm
ALL_LDFLAGS = $(LDFLAGS) $(SAN) -fopenmp

SOURCES := $(sort $(wildcard src/*/*.c))
PROGRAM_SOURCES := $(filter $(foreach s,$(SOURCES),$(if $(findstring /hap-,$(s)),$(s))),$(SOURCES))
LIB_OBJECTS := $(patsubst src/%.c,$(BUILD)/%.o,$(filter-out $(PROGRAM_SOURCES),$(SOURCES)))
PROGRAMS := $(patsubst %.c,$(BIN)/%,$(notdir $(PROGRAM_SOURCES)))
UNIT_SOURCES := $(sort $(wildcard tests/unit/*.c))
UNITS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SOURCES))

all: $(PROGRAMS)

$(BUILD)/libhap.a: $(LIB_OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

# A program's own objects are named by file, whichever room it lives in.
define program
$(BIN)/$(basename $(notdir $(1))): $(patsubst src/%.c,$(BUILD)/%.o,$(1)) $(BUILD)/libhap.a
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(LDLIBS)
endef
$(foreach s,$(PROGRAM_SOURCES),$(eval $(call program,$(s))))

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libhap.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Itests/unit $(ALL_LDFLAGS) -o $@ $< $(BUILD)/libhap.a $(LDLIBS)

units: $(UNITS)

check: all units
	tests/run --bin $(BIN) --units $(BUILD)/unit

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 \
		$(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/hap
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	install -m 644 man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 man/*.5 $(DESTDIR)$(PREFIX)/share/man/man5
	cp -R models $(DESTDIR)$(PREFIX)/share/hap/

clean:
	rm -rf build build-asan build-tsan bin

.PHONY: all units check install clean
.SECONDARY:

-include $(patsubst src/%.c,$(BUILD)/%.d,$(SOURCES)) $(UNITS:=.d)
