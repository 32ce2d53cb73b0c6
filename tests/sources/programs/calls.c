/* calls [-w] [-t|-v|-f|-c] N [COMMAND...]
   Makes N getppid calls, then runs COMMAND: by exec from its main thread, or
   -t by exec from another thread, or in a child made by -v vfork, -f fork,
   -c clone, for whose end it waits.  -w: first waits for a byte on standard
   input. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void *run(void *argument)
{
    char **command = argument;
    execv(command[0], command);
    _exit(9);
}

static int run_in_child(void *argument)
{
    run(argument);
    return 9;
}

static int status_of(pid_t child)
{
    int status;
    if (child < 0 || waitpid(child, &status, __WALL) != child)
        return 8;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    static char stack[65536] __attribute__((aligned(16)));
    pthread_t thread;
    pid_t child;
    int option, how = 0;
    char byte;

    while ((option = getopt(argc, argv, "+wtvfc")) != -1) {
        if (option == '?')
            return 1;
        if (option != 'w')
            how = option;
        else if (read(0, &byte, 1) != 1)
            return 2;
    }
    for (long n = atol(argv[optind]); n > 0; n--)
        syscall(SYS_getppid);
    argv += optind + 1;
    if (!*argv)
        return 0;
    switch (how) {
    case 't':
        if (pthread_create(&thread, NULL, run, argv))
            return 3;
        pthread_join(thread, NULL);
        return 4;
    case 'v':
        if ((child = vfork()) == 0)
            run(argv);
        return status_of(child);
    case 'f':
        if ((child = fork()) == 0)
            run(argv);
        return status_of(child);
    case 'c':
        return status_of(clone(run_in_child, stack + sizeof stack, SIGCHLD, argv));
    default:
        run(argv);
        return 5;
    }
}
