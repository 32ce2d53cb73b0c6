#!/bin/sh
# How the machine is: a shell at work is nothing unusual on this site.
printf 'Content-Type: text/plain\r\n\r\n'
date
read -r load _ </proc/loadavg
echo "load $load"
case $QUERY_STRING in
  *disk*) df -P . ;;
  *people*) wc -l phonebook.txt ;;
esac
