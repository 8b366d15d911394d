// SPDX-License-Identifier: GPL-2.0
/* The module: its parts in order, undone in reverse. */

#include <linux/mmesh.h>
#include <linux/module.h>
#include <net/genetlink.h>
#include <net/rtnetlink.h>

#include "allowedips.h"
#include "backlog.h"
#include "bundle.h"
#include "burst.h"
#include "crypt.h"
#include "device.h"
#include "forward.h"
#include "handshake.h"
#include "ingress.h"
#include "keylog.h"
#include "land.h"
#include "relay.h"
#include "via.h"
#include "noise.h"
#include "path.h"
#include "peer.h"
#include "version.h"

static const struct mmesh_part {
	int (*init)(void);	/* NULL: nothing to set up */
	void (*exit)(void);
} parts[] = {
	{ mmesh_crypt_init, mmesh_crypt_exit },
	{ mmesh_keylog_init, mmesh_keylog_exit },
	{ mmesh_noise_init, mmesh_noise_exit },
	{ mmesh_handshake_module_init, mmesh_handshake_module_exit },
	{ NULL, mmesh_bundle_module_exit },
	{ mmesh_burst_module_init, mmesh_burst_module_exit },
	{ NULL, mmesh_land_module_exit },
	{ mmesh_backlog_module_init, mmesh_backlog_module_exit },
	{ mmesh_peer_module_init, mmesh_peer_module_exit },
	{ mmesh_relay_module_init, mmesh_relay_module_exit },
	{ mmesh_via_module_init, mmesh_via_module_exit },
	{ mmesh_ingress_module_init, mmesh_ingress_module_exit },
	{ mmesh_forward_module_init, mmesh_forward_module_exit },
	{ mmesh_device_module_init, mmesh_device_module_exit },
	{ mmesh_netlink_init, mmesh_netlink_exit },
};

static void undo(size_t n)
{
	while (n--)
		parts[n].exit();
}

static int __init mmesh_init(void)
{
	size_t i;
	int ret;

	mmesh_probe_module_setup();
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		ret = parts[i].init ? parts[i].init() : 0;
		if (ret) {
			undo(i);
			return ret;
		}
	}
	pr_info("mmesh %s loaded, aes256gcm by %s\n", MMESH_VERSION,
		mmesh_crypt_driver(MMESH_SUITE_AES256GCM));
	return 0;
}

static void __exit mmesh_exit(void)
{
	undo(ARRAY_SIZE(parts));
}

module_init(mmesh_init);
module_exit(mmesh_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("mmesh: encrypted mesh network data plane");
MODULE_AUTHOR("The mmesh developers");
MODULE_VERSION(MMESH_VERSION);
MODULE_ALIAS_RTNL_LINK("mmesh");
MODULE_ALIAS_GENL_FAMILY("mmesh");
