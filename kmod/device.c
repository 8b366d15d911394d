// SPDX-License-Identifier: GPL-2.0
/* TX path, stage 1 of 4: the interface. In: ndo_start_xmit. Out:
 * mmesh_seal_xmit() (seal.c). Context: BH off, RCU read.
 * Drops: TX_DROP_NOT_IP, TX_DROP_NO_PEER, TX_DROP_SUBNET, TX_DROP_NO_ENDPOINT.
 */

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_arp.h>
#include <linux/inetdevice.h>
#include <linux/random.h>
#include <linux/rtnetlink.h>
#include <linux/suspend.h>
#include <net/addrconf.h>
#include <net/dst_metadata.h>
#include <net/icmp.h>
#include <net/ip_tunnels.h>

#include "deliver.h"
#include "device.h"
#include "forward.h"
#include "mmesh-compat-net.h"
#include "peer.h"
#include "pmtu.h"
#include "ratelimiter.h"
#include "socket.h"

/* Outside the update locks. */
DEFINE_MUTEX(mmesh_members_lock);

static LIST_HEAD(devices);	/* RTNL and members_lock; either to read */

static struct mmesh_peer *peer_of_destination(struct mmesh_device *m,
					      struct sk_buff *skb)
{
	switch (skb->protocol) {
	case htons(ETH_P_IP):
		return mmesh_allowedips_lookup_v4(&m->allowedips,
						  ip_hdr(skb)->daddr, skb);
	case htons(ETH_P_IPV6):
		return mmesh_allowedips_lookup_v6(&m->allowedips,
						  &ipv6_hdr(skb)->daddr, skb);
	}
	return NULL;
}

/* A packet socket can send anything here: protocol and header have to agree. */
static bool is_ip(struct sk_buff *skb)
{
	__be16 protocol;

	if (!pskb_network_may_pull(skb, sizeof(struct iphdr)))
		return false;
	protocol = ip_tunnel_parse_protocol(skb);
	return protocol && protocol == skb->protocol;
}

void mmesh_device_refuse(struct mmesh_device *m, struct sk_buff *skb, unsigned int stat)
{
	const bool prohibited = stat == MMESH_STAT_TX_DROP_SUBNET;

	if (skb->protocol == htons(ETH_P_IP))
		icmp_ndo_send(skb, ICMP_DEST_UNREACH,
			      prohibited ? ICMP_PKT_FILTERED : ICMP_HOST_UNREACH, 0);
	else
		icmpv6_ndo_send(skb, ICMPV6_DEST_UNREACH,
				prohibited ? ICMPV6_ADM_PROHIBITED :
					     ICMPV6_ADDR_UNREACH, 0);
	mmesh_stat_inc(m, stat);
	DEV_STATS_INC(m->dev, tx_errors);
	kfree_skb(skb);
}

void mmesh_device_send(struct mmesh_device *m, struct sk_buff *skb, bool may_miss)
{
	struct mmesh_peer *peer;

	if (READ_ONCE(m->isolation.network) &&
	    unlikely(mmesh_forward_is_barred(m, skb))) {
		DEV_STATS_INC(m->dev, tx_dropped);
		kfree_skb(skb);
		return;
	}
	peer = peer_of_destination(m, skb);
	if (unlikely(!peer)) {
		if (!may_miss || !mmesh_miss_packet(m, skb))
			mmesh_device_refuse(m, skb, MMESH_STAT_TX_DROP_NO_PEER);
	} else if (unlikely(mmesh_isolation_peer(&m->isolation, READ_ONCE(peer->subnet)))) {
		mmesh_device_refuse(m, skb, MMESH_STAT_TX_DROP_SUBNET);
	} else if (unlikely(!rcu_access_pointer(peer->endpoint))) {
		mmesh_device_refuse(m, skb, MMESH_STAT_TX_DROP_NO_ENDPOINT);
	} else if (likely(!READ_ONCE(peer->path_mtu)) || mmesh_pmtu_admit(peer, skb)) {
		mmesh_seal_xmit(peer, skb);
	}
}

static netdev_tx_t mmesh_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct mmesh_device *m = netdev_priv(dev);

	skb = skb_share_check(skb, GFP_ATOMIC);
	if (unlikely(!skb)) {
		mmesh_stat_inc(m, MMESH_STAT_TX_DROP_NO_MEMORY);
		DEV_STATS_INC(dev, tx_dropped);
		return NETDEV_TX_OK;
	}
	if (unlikely(!is_ip(skb))) {
		mmesh_stat_inc(m, MMESH_STAT_TX_DROP_NOT_IP);
		DEV_STATS_INC(dev, tx_errors);
		kfree_skb(skb);
		return NETDEV_TX_OK;
	}

	rcu_read_lock();
	mmesh_device_send(m, skb, true);
	rcu_read_unlock();
	return NETDEV_TX_OK;
}

static int mmesh_dev_open(struct net_device *dev)
{
	struct in_device *in_dev = __in_dev_get_rtnl(dev);
	struct inet6_dev *in6_dev = __in6_dev_get(dev);
	struct mmesh_device *m = netdev_priv(dev);
	struct mmesh_peer *peer;
	int ret;

	/* A redirect would name a next hop that only this tunnel can reach. */
	if (in_dev) {
		IN_DEV_CONF_SET(in_dev, SEND_REDIRECTS, false);
		IPV4_DEVCONF_ALL(dev_net(dev), SEND_REDIRECTS) = false;
	}
	/* No link layer, so no address can be derived from one. */
	if (in6_dev)
		in6_dev->cnf.addr_gen_mode = IN6_ADDR_GEN_MODE_NONE;

	mutex_lock(&m->update_lock);
	ret = mmesh_socket_open(m, m->listen_port);
	if (!ret) {
		list_for_each_entry(peer, &m->peer_list, peer_list) {
			mmesh_timers_start(peer);
			mmesh_seal_flush_staged(peer);
			if (peer->persistent_keepalive)
				mmesh_seal_keepalive(peer);
		}
	}
	mutex_unlock(&m->update_lock);
	return ret;
}

static int mmesh_dev_stop(struct net_device *dev)
{
	struct mmesh_device *m = netdev_priv(dev);
	struct mmesh_peer *peer;

	mutex_lock(&m->update_lock);
	mmesh_socket_close(m);
	list_for_each_entry(peer, &m->peer_list, peer_list) {
		mmesh_timers_stop(peer);
		mmesh_seal_purge_staged(peer, MMESH_STAT_TX_DROP_DEVICE_DOWN);
		mmesh_peer_clear_keys(peer);
	}
	mutex_unlock(&m->update_lock);
	mmesh_handshake_queue_purge(m);
	mmesh_miss_purge(m, MMESH_STAT_TX_DROP_DEVICE_DOWN);
	return 0;
}

static int mmesh_dev_init(struct net_device *dev)
{
	return mmesh_lanes_create(netdev_priv(dev));
}

static void mmesh_dev_uninit(struct net_device *dev)
{
	mmesh_lanes_destroy(netdev_priv(dev));
}

static void mmesh_dev_stats(struct net_device *dev, struct rtnl_link_stats64 *s)
{
	struct mmesh_device *m = netdev_priv(dev);

	netdev_stats_to_stats64(s, &dev->stats);
	s->rx_packets = mmesh_stats_read(m->stats, MMESH_STAT_RX_PACKETS);
	s->rx_bytes = mmesh_stats_read(m->stats, MMESH_STAT_RX_BYTES);
	s->tx_packets = mmesh_stats_read(m->stats, MMESH_STAT_TX_PACKETS);
	s->tx_bytes = mmesh_stats_read(m->stats, MMESH_STAT_TX_BYTES);
}

static const struct net_device_ops mmesh_netdev_ops = {
	.ndo_init = mmesh_dev_init,
	.ndo_uninit = mmesh_dev_uninit,
	.ndo_open = mmesh_dev_open,
	.ndo_stop = mmesh_dev_stop,
	.ndo_start_xmit = mmesh_xmit,
	.ndo_get_stats64 = mmesh_dev_stats,
};

static const struct device_type mmesh_device_type = { .name = "mmesh" };

static void mmesh_setup(struct net_device *dev)
{
	const netdev_features_t features =
		NETIF_F_HW_CSUM | NETIF_F_RXCSUM | NETIF_F_SG | NETIF_F_FRAGLIST |
		NETIF_F_GSO | NETIF_F_GSO_SOFTWARE | NETIF_F_HIGHDMA;
	const int overhead = MMESH_RECORD_OVERHEAD + sizeof(struct udphdr) +
			     sizeof(struct ipv6hdr);
	struct mmesh_device *m = netdev_priv(dev);

	dev->netdev_ops = &mmesh_netdev_ops;
	dev->header_ops = &ip_tunnel_header_ops;
	dev->type = ARPHRD_NONE;
	dev->flags = IFF_POINTOPOINT | IFF_NOARP;
	dev->priv_flags |= IFF_NO_QUEUE;
	mmesh_set_lltx(dev);
	dev->features |= features;
	dev->hw_features |= features;
	dev->hw_enc_features |= features;
	dev->mtu = ETH_DATA_LEN - overhead;
	/* What fits a UDP datagram over either family. */
	dev->max_mtu = round_down(MMESH_MAX_UDP_PAYLOAD - MMESH_RECORD_OVERHEAD,
				  MMESH_PADDING);
	SET_NETDEV_DEVTYPE(dev, &mmesh_device_type);
	/* Its MTU bounds the padding, and ICMP errors need it. */
	netif_keep_dst(dev);
	m->dev = dev;
}

static void free_parts(struct mmesh_device *m)
{
	mmesh_lanes_free(m);
	mmesh_handshake_queue_destroy(m);
	mmesh_index_destroy(&m->indices);
	mmesh_peers_destroy(m);
	free_percpu(m->stats);
}

/* priv_destructor: runs unlocked, after the last reference to the device. */
static void mmesh_destruct(struct net_device *dev)
{
	struct mmesh_device *m = netdev_priv(dev);

	rtnl_lock();
	mutex_lock(&mmesh_members_lock);
	list_del(&m->device_list);
	mutex_unlock(&mmesh_members_lock);
	mutex_lock(&m->update_lock);
	mmesh_socket_close(m);
	rcu_assign_pointer(m->birth_net, NULL);
	mutex_unlock(&m->update_lock);
	rtnl_unlock();

	mutex_lock(&m->update_lock);
	mmesh_peer_remove_all(m);
	mmesh_allowedips_free(&m->allowedips, &m->update_lock);
	mmesh_miss_set(m, NULL);
	mutex_unlock(&m->update_lock);
	mmesh_handshake_queue_purge(m);
	mmesh_peer_wait_released(m);
	mmesh_relay_destroy(m);
	xa_destroy(&m->extended);
	rcu_barrier();
	free_parts(m);
	mmesh_ratelimiter_exit();
	memzero_explicit(&m->identity, sizeof(m->identity));
	mutex_destroy(&m->update_lock);
	free_netdev(dev);
}

static int init_parts(struct mmesh_device *m)
{
	int ret;

	m->stats = alloc_percpu(struct mmesh_stats);
	if (!m->stats)
		return -ENOMEM;
	ret = mmesh_peers_init(m);
	if (ret)
		goto free_stats;
	ret = mmesh_index_init(&m->indices);
	if (ret)
		goto destroy_peers;
	ret = mmesh_handshake_queue_init(m);
	if (ret)
		goto destroy_index;
	return 0;

destroy_index:
	mmesh_index_destroy(&m->indices);
destroy_peers:
	mmesh_peers_destroy(m);
free_stats:
	free_percpu(m->stats);
	return ret;
}

static int mmesh_newlink(MMESH_NEWLINK_ARGS)
{
	struct mmesh_device *m = netdev_priv(dev);
	int ret;

	mutex_init(&m->update_lock);
	init_rwsem(&m->identity.lock);
	m->generation = 1;
	mmesh_observed_init(&m->observed);
	mmesh_allowedips_init(&m->allowedips);
	mmesh_cookie_checker_init(&m->cookie_checker);
	xa_init_flags(&m->extended, XA_FLAGS_ALLOC1);
	mmesh_relay_init(m);
	rcu_assign_pointer(m->birth_net, mmesh_newlink_net());

	ret = init_parts(m);
	if (ret)
		return ret;
	ret = mmesh_ratelimiter_init();
	if (ret)
		goto err_free_parts;
	ret = register_netdevice(dev);
	if (ret)
		goto err_ratelimiter;

	mutex_lock(&mmesh_members_lock);
	list_add(&m->device_list, &devices);
	mutex_unlock(&mmesh_members_lock);
	/* Only now, or register_netdevice() would call it when it fails. */
	dev->priv_destructor = mmesh_destruct;
	return 0;

err_ratelimiter:
	mmesh_ratelimiter_exit();
err_free_parts:
	free_parts(m);
	return ret;
}

static struct rtnl_link_ops link_ops __read_mostly = {
	.kind = "mmesh",
	.priv_size = sizeof(struct mmesh_device),
	.setup = mmesh_setup,
	.newlink = mmesh_newlink,
};

bool mmesh_device_is(const struct net_device *dev)
{
	return dev->rtnl_link_ops == &link_ops;
}

bool mmesh_device_key_elsewhere(const struct mmesh_device *m,
				const u8 public_key[MMESH_KEY_LEN], u64 network)
{
	const struct mmesh_device *other;

	ASSERT_RTNL();
	/* Identity and network are written under RTNL, too. */
	list_for_each_entry(other, &devices, device_list)
		if (other != m && other->dev->reg_state == NETREG_REGISTERED &&
		    other->identity.has_identity &&
		    other->isolation.network != network &&
		    !memcmp(other->identity.static_public, public_key,
			    MMESH_KEY_LEN))
			return true;
	return false;
}

/* Those of another user namespace are somebody else's, who may say what he
 * likes: neither can keep the other from a key, nor learn who has it.
 */
static bool is_beside(const struct mmesh_device *m, const struct mmesh_device *other)
{
	return m != other && other->dev->reg_state == NETREG_REGISTERED &&
	       dev_net(m->dev)->user_ns == dev_net(other->dev)->user_ns;
}

bool mmesh_device_member_elsewhere(const struct mmesh_device *m,
				   const u8 public_key[MMESH_KEY_LEN], u64 network)
{
	struct mmesh_device *other;
	struct mmesh_peer *peer;
	bool found = false;
	u64 theirs;

	lockdep_assert_held(&mmesh_members_lock);
	/* A device may be on its way to another netns. */
	rcu_read_lock();
	list_for_each_entry(other, &devices, device_list) {
		if (!is_beside(m, other))
			continue;
		peer = mmesh_peer_lookup(other, public_key);
		theirs = peer ? mmesh_peer_network(peer) : 0;
		mmesh_peer_put(peer);
		found = theirs && theirs != network;
		if (found)
			break;
	}
	rcu_read_unlock();
	return found;
}

/* The netns in which devices were born goes away: their sockets go with it,
 * the devices, moved elsewhere, stay without carrier.
 */
static void mmesh_net_pre_exit(struct net *net)
{
	struct mmesh_device *m;
	struct mmesh_peer *peer;

	rtnl_lock();
	list_for_each_entry(m, &devices, device_list) {
		if (rcu_access_pointer(m->birth_net) != net)
			continue;
		netif_carrier_off(m->dev);
		mutex_lock(&m->update_lock);
		mmesh_socket_close(m);
		rcu_assign_pointer(m->birth_net, NULL);
		list_for_each_entry(peer, &m->peer_list, peer_list)
			mmesh_endpoint_clear_src(peer);
		mutex_unlock(&m->update_lock);
	}
	rtnl_unlock();
}

static struct pernet_operations mmesh_net_ops = {
	.pre_exit = mmesh_net_pre_exit,
};

static void on_all_peers(void (*fn)(struct mmesh_peer *peer))
{
	struct mmesh_device *m;
	struct mmesh_peer *peer;

	rtnl_lock();
	list_for_each_entry(m, &devices, device_list) {
		mutex_lock(&m->update_lock);
		list_for_each_entry(peer, &m->peer_list, peer_list)
			fn(peer);
		mutex_unlock(&m->update_lock);
	}
	rtnl_unlock();
}

/* Keys must not lie in a suspended machine's memory or hibernation image. */
static int mmesh_pm_event(struct notifier_block *nb, unsigned long action,
			  void *data)
{
	/* Where suspending is routine, sessions have to survive it. */
	if (IS_ENABLED(CONFIG_PM_AUTOSLEEP) ||
	    IS_ENABLED(CONFIG_PM_USERSPACE_AUTOSLEEP))
		return NOTIFY_DONE;
	if (action != PM_HIBERNATION_PREPARE && action != PM_SUSPEND_PREPARE)
		return NOTIFY_DONE;
	on_all_peers(mmesh_peer_clear_keys);
	rcu_barrier();
	return NOTIFY_DONE;
}

static struct notifier_block pm_notifier = { .notifier_call = mmesh_pm_event };

/* This may be a clone of a running machine: a nonce that either has used must
 * not be used by the other, so nothing more is sent under today's keys.
 */
static int mmesh_vmfork_event(struct notifier_block *nb, unsigned long action,
			      void *data)
{
	on_all_peers(mmesh_keypairs_expire_current);
	return NOTIFY_DONE;
}

static struct notifier_block vmfork_notifier = {
	.notifier_call = mmesh_vmfork_event,
};

int mmesh_device_module_init(void)
{
	int ret;

	ret = register_pm_notifier(&pm_notifier);
	if (ret)
		return ret;
	ret = register_random_vmfork_notifier(&vmfork_notifier);
	if (ret)
		goto unregister_pm;
	ret = register_pernet_device(&mmesh_net_ops);
	if (ret)
		goto unregister_vmfork;
	ret = rtnl_link_register(&link_ops);
	if (ret)
		goto unregister_pernet;
	return 0;

unregister_pernet:
	unregister_pernet_device(&mmesh_net_ops);
unregister_vmfork:
	unregister_random_vmfork_notifier(&vmfork_notifier);
unregister_pm:
	unregister_pm_notifier(&pm_notifier);
	return ret;
}

void mmesh_device_module_exit(void)
{
	rtnl_link_unregister(&link_ops);
	unregister_pernet_device(&mmesh_net_ops);
	unregister_random_vmfork_notifier(&vmfork_notifier);
	unregister_pm_notifier(&pm_notifier);
	rcu_barrier();
}
