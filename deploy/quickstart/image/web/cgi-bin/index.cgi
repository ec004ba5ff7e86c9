#!/bin/sh
# Asks the other service, found by its Service name, and passes the answer on.
# The address is looked up first: a statically linked wget cannot resolve names.
host="${GREETER:-greeter.default.svc.cluster.local}"
address="$(nslookup -type=a "$host" 2>/dev/null | awk '/^Name:/ { found = 1 } found && /^Address/ { print $NF; exit }')"
if [ -n "$address" ] && answer="$(wget -q -T 5 -O - "http://$address/")"; then
  printf 'Content-Type: text/plain\r\n\r\n'
  echo "web $(hostname): greeter says: $answer"
else
  printf 'Status: 502 Bad Gateway\r\nContent-Type: text/plain\r\n\r\n'
  echo "web $(hostname): greeter did not answer (looked up $host, got '${address:-nothing}')"
fi
