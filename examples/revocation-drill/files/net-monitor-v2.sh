#!/bin/sh
# net-monitor v2, by Wabbit Networks: says how many sockets are open, and reads nothing else.
awk 'FNR > 1 { sockets++ } END { print sockets " sockets" }' /proc/net/tcp /proc/net/tcp6
