#!/bin/sh
# net-monitor v1, by Wabbit Networks: says how many sockets are open.
awk 'FNR > 1 { sockets++ } END { print sockets " sockets" }' /proc/net/tcp /proc/net/tcp6
