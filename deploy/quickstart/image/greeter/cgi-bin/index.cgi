#!/bin/sh
# Says which pod answers.
printf 'Content-Type: text/plain\r\n\r\n'
echo "Hello from $(hostname)"
