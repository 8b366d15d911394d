#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each kind of behaviour once, in one boot: for kernels on which all suites would
# take an hour. What is left out are other combinations of the same.
#
#     scripts/lab run -k 6.1 -- tests/behaviour.sh
set -u

cd "$(dirname -- "$(readlink -f -- "$0")")" || exit 2
rc=0

run()
{
	"./$1.sh" "${@:2}" || rc=1
}

run netns/two-peers preshared_key byte_counters padding spoofed_inner_source psk_mismatch
run netns/three-peers hub allowed_ip_moves
run netns/mtu inner_mtu_outer_ipv4 outer_fragments_ipv6 gro_at_receiver forwarded_checksums
run netns/netem reorder duplicates everything_at_once balance
run netns/paths candidates_are_probed failover_and_return no_data_passes
run netns/pmtu underlay_1400_ipv4 filtered_1400_ipv6
run netns/roaming initiator_roams responder_roams nat_rebinding_ipv4 sticky_source_ipv6
run netns/keys private_key_change_under_traffic sessions_renewed_under_traffic
run netns/header tos_6_in_4 congestion_4_in_6 routing_loop_ipv4 established_loop tunnel_in_tunnel
run netns/timers
run netns/isolation other_subnet refused_by_the_receiver member_prefix forwarding_between_networks
run netns/limits many_allowed_ips ipv4_only_host ipv6_only_host user_namespace
run interop/wireguard we_initiate_ipv4 they_initiate_ipv6 bad_cable_ours
run interop/wireguard-go we_initiate_ipv6 they_initiate_ipv4
# The last one unloads the module.
run netns/lifetime move_to_another_netns birth_netns_dies device_netns_dies circular_netns \
	device_churn peer_churn allowed_ip_churn device_deleted_under_traffic module_unload_under_traffic
exit "$rc"
