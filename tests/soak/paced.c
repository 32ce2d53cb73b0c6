/* paced RATE MILLISECONDS STRANGE: so many calls a second for so long, and every so many
   milliseconds a child that makes calls which were never learned.

   Each call is made by syscall() and counted; at the end the count goes to standard output. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long made;
#define CALL(...) (made++, syscall(__VA_ARGS__))

static long now(void)
{
    struct timespec time; /* from the vDSO: no call */
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void strange(void)
{
    static const long calls[] = {SYS_getpriority, SYS_getsid, SYS_sched_getscheduler,
                                 SYS_getpgid, SYS_sched_get_priority_max, SYS_getegid};
    long child = CALL(SYS_fork);

    if (!child) {
        for (int i = 0; i < 60; i++)
            syscall(calls[i * 7 % 6], 0, 0);
        syscall(SYS_exit_group, 0);
    }
    made += 61;
    CALL(SYS_wait4, child, 0, 0, 0);
}

int main(int argc, char **argv)
{
    long rate = argc > 3 ? atol(argv[1]) : 0, end = argc > 3 ? atol(argv[2]) * 1000000 : 0;
    long every = argc > 3 ? atol(argv[3]) * 1000000 : 0, odd = every, done = 0, begin = now();
    static const long calls[] = {SYS_getppid, SYS_getuid, SYS_getppid, SYS_getgid};

    for (long at; (at = now() - begin) < end;) {
        long due = at / 1000000 * rate / 1000;
        if (due > done + rate / 50)
            done = due - rate / 50; /* held up: what was missed is not made up for in a burst */
        for (; done < due; done++)
            CALL(calls[done & 3]);
        if (every && at > odd) {
            strange();
            odd += every;
        }
        struct timespec pause = {0, 500000};
        CALL(SYS_nanosleep, &pause, 0);
    }
    printf("%ld\n", made);
    return 0;
}
