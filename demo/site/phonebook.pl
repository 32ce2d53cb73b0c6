#!/usr/bin/perl
# Looks a name up in the phone book.  Deliberately vulnerable: the name reaches a command line, so
# `?name=x;id` runs id.  (The CGI script phf of 1996 was a phone book with the same hole.)
use strict;
my ($name) = ($ENV{QUERY_STRING} // '') =~ /(?:^|&)name=([^&]*)/;
$name //= '';
$name =~ tr/+/ /;
$name =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
$| = 1;
print "Content-Type: text/plain\r\n\r\n";
open(my $found, "grep -i -e $name phonebook.txt |") or die "grep: $!";
my $lines = 0;
while (my $line = <$found>) { print $line; $lines++ }
close $found;
print "No one of that name.\n" unless $lines;
