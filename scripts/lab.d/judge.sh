# SPDX-License-Identifier: Apache-2.0
# Decides how a run ended, from what the kernel printed and what guest/init reported.

# Complaints, each as it stands at the start of a message (after the time stamp).
JUDGE_RE='(watchdog: |rcu: |kmemleak: )?('
JUDGE_RE+='WARNING: |BUG: |BUG [a-z]|kernel BUG at |Oops|Kernel panic|general protection fault|double fault|'
JUDGE_RE+='Unable to handle kernel|KASAN: |UBSAN: |ODEBUG: |refcount_t: |unreferenced object |'
JUDGE_RE+='list_(add|del) corruption|stack segment|kernel tried to execute|Corrupted |corrupted |'
JUDGE_RE+='INFO: (task .* blocked for more than|rcu.*(stall|starv)|trying to register non-static key|'
JUDGE_RE+='possible (circular|recursive|irq)|inconsistent lock|suspicious RCU|Slab 0x|Object 0x|Allocated in|Freed in)|'
JUDGE_RE+='DEBUG_LOCKS_WARN_ON|Modules linked in with bad|NETDEV WATCHDOG: |[a-z0-9_.-]+: hw csum failure|'
JUDGE_RE+='unregister_netdevice: waiting for |ref_tracker: .*(leak|has [0-9])|Slab corruption|SLUB: Unable|'
JUDGE_RE+='[A-Za-z0-9_/:.-]+: page allocation failure|Memory failure|'
JUDGE_RE+='scheduling while atomic|sleeping function called from invalid context)'

# Prints each complaint since init began, with what follows it; the status is 0 when there is any.
judge_console()
{
	tr -d '\r\0' <"$1" | awk -v re="^\\[[^]]*\\](\\[[^]]*\\])? $JUDGE_RE" '
		/mmesh-lab: begin$/ { begun = 1; next }
		!begun { next }
		/FAULT_INJECTION: forcing a failure/ { injected = 1 }
		# A failed allocation that was asked for is no complaint.
		injected && /page allocation failure/ { next }
		$0 ~ re { found++; left = 40 }
		left > 0 && shown < 160 { left--; shown++; print }
		END { exit !found }'
}

# The last lines of the kernel log, for a kernel that did not say goodbye.
judge_tail()
{
	tr -d '\r\0' <"$RUN_DIR/console" | tail -n 40 >&2
}

judge_run()
{
	local kernel=$1 status fails leaks excerpt

	status=$(sed -n 's/^status //p' "$RUN_DIR/report" | tail -n 1)
	fails=$(sed -n 's/^fail //p' "$RUN_DIR/report")
	leaks=$(sed -n 's/^leak //p' "$RUN_DIR/report")
	sed -n 's/^note /lab: /p' "$RUN_DIR/report" >&2
	if [[ $fails ]]; then
		say "$kernel: $fails"
		status=$RUN_EXIT_DIED
	elif [[ -e $RUN_DIR/timeout ]]; then
		judge_tail
		status=$RUN_EXIT_TIME
	elif [[ ! $status ]] || ! grep -qx done "$RUN_DIR/report"; then
		say "$kernel: the kernel died; the end of its log:"
		judge_tail
		status=$RUN_EXIT_DIED
	fi
	# The end of the log of a dead kernel has been shown already.
	if ((status != RUN_EXIT_DIED)) && excerpt=$(judge_console "$RUN_DIR/console"); then
		say "$kernel: the kernel complains:"
		printf '%s\n' "$excerpt" >&2
		((status)) || status=$RUN_EXIT_LOG
	fi
	if [[ $leaks ]]; then
		say "$kernel: memory leaks:"
		printf '%s\n' "$leaks" >&2
		((status)) || status=$RUN_EXIT_LOG
	fi
	[[ ! ${MMESH_LAB_LOG:-} ]] || tr -d '\r\0' <"$RUN_DIR/console" >"$MMESH_LAB_LOG"
	return "$status"
}
