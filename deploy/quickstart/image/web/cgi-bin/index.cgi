#!/bin/sh
# Asks the other service, found by its Service name, and passes the answer on.
greeter="${GREETER:-http://greeter/}"
if answer="$(timeout 5 wget -q -O - "$greeter")"; then
  printf 'Content-Type: text/plain\r\n\r\n'
  echo "web $(hostname): greeter says: $answer"
else
  printf 'Status: 502 Bad Gateway\r\nContent-Type: text/plain\r\n\r\n'
  echo "web $(hostname): $greeter did not answer"
fi
