/* threads N M: N threads alive at once, each of which makes M getppid calls. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_barrier_t all;
static long calls;

static void *work(void *unused)
{
    pthread_barrier_wait(&all);
    for (long i = 0; i < calls; i++)
        syscall(SYS_getppid);
    pthread_barrier_wait(&all);
    return unused;
}

int main(int argc, char **argv)
{
    long threads = argc > 2 ? atol(argv[1]) : 1;
    pthread_t *made = calloc(threads, sizeof *made);
    pthread_attr_t small;

    calls = argc > 2 ? atol(argv[2]) : 1;
    pthread_barrier_init(&all, 0, threads);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 65536);
    for (long i = 0; i < threads; i++)
        if (pthread_create(&made[i], &small, work, 0))
            return 1;
    for (long i = 0; i < threads; i++)
        pthread_join(made[i], 0);
    return 0;
}
