# SPDX-License-Identifier: Apache-2.0
# For people. The kernel's build system reads Kbuild, this file only calls it.

KDIR ?= /lib/modules/$(shell uname -r)/build
FUZZ_SECONDS ?= 60
PREFIX ?= /usr/local
DESTDIR ?=

.PHONY: all modules user demo check check-quick bench fuzz install clean

# The module is built where the running kernel's headers are; the lab builds its
# own when it needs them.
all: user
	@if [ -e "$(KDIR)/Makefile" ]; then $(MAKE) modules; \
	else echo "no headers of the running kernel ($(KDIR)): not building mmesh.ko for it"; fi

modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

user:
	$(MAKE) -C userspace

demo:
	@scripts/demo

check:
	@scripts/check

check-quick:
	@scripts/check quick

bench:
	@scripts/bench

fuzz:
	$(MAKE) -C userspace fuzz FUZZ_SECONDS=$(FUZZ_SECONDS)

install: user
	$(MAKE) -C userspace install PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)
	@if [ -e "$(KDIR)/Makefile" ]; then \
		$(MAKE) -C $(KDIR) M=$(CURDIR) modules && \
		$(MAKE) -C $(KDIR) M=$(CURDIR) $(if $(DESTDIR),INSTALL_MOD_PATH=$(DESTDIR)) modules_install; \
	else echo "no headers of the running kernel ($(KDIR)): not installing mmesh.ko"; fi

clean:
	$(MAKE) -C userspace clean
	rm -rf build
	find kmod kunit -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' | xargs -r rm -f
	rm -f Module.symvers modules.order kmod/modules.order kunit/modules.order .Module.symvers.cmd .modules.order.cmd
