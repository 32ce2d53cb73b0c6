#!/usr/bin/perl
# Shows the guest book; a POST adds a line to it.
use strict;
use Fcntl ':flock';
my $book = 'visitors/guestbook.txt';
if ($ENV{REQUEST_METHOD} eq 'POST') {
    my $length = $ENV{CONTENT_LENGTH} // 0;
    if ($length > 4096) { print "Status: 413\r\n\r\n"; exit }
    read(STDIN, my $text, $length);
    $text =~ tr/+\r\n/ /s;
    $text =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
    $text =~ s/[^\w .,!?-]//g;
    open(my $out, '>>', $book) or die "$book: $!";
    flock($out, LOCK_EX);
    print $out time(), " $text\n";
    close $out;
    print "Status: 303\r\nLocation: /guestbook.pl\r\n\r\n";
    exit;
}
print "Content-Type: text/plain\r\n\r\n";
open(my $in, '<', $book) or do { print "Be the first to write.\n"; exit };
my @lines = <$in>;
print @lines > 20 ? @lines[-20 .. -1] : @lines;
