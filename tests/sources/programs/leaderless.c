/* leaderless N
   Its first thread ends; another one waits for a byte on standard input, makes N
   getppid calls and ends the process. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *work(void *argument)
{
    char byte;
    if (read(0, &byte, 1) != 1)
        _exit(2);
    for (long n = atol(argument); n > 0; n--)
        syscall(SYS_getppid);
    _exit(0);
}

int main(int argc, char **argv)
{
    pthread_t thread;
    if (argc != 2 || pthread_create(&thread, NULL, work, argv[1]))
        return 1;
    pthread_exit(NULL);
}
