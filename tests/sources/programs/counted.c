/* Makes prime numbers of calls: 100,003 getppid from 7 threads, 3 forks,
   23 calls through int 0x80, 17 of a number that does not fit in 16 bits.
   With an argument it waits for a byte on standard input first. */
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS 100003
#define THREADS 7

static void *make_calls(void *argument)
{
    long count = CALLS / THREADS + ((long)argument < CALLS % THREADS);
    while (count--)
        syscall(SYS_getppid);
    return NULL;
}

int main(int argc, char **argv)
{
    char byte;
    pthread_t threads[THREADS];

    (void)argv;
    if (argc > 1 && read(0, &byte, 1) != 1)
        return 1;
    for (long i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, make_calls, (void *)i))
            return 2;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        if (child < 0 || waitpid(child, NULL, 0) != child)
            return 3;
    }
#ifdef __x86_64__
    for (int i = 0; i < 23; i++) {
        long result = 20; /* getpid of i386, writev of x86_64 */
        __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    }
#endif
    for (int i = 0; i < 17; i++)
        syscall(65575); /* 65536 + 39: masked, it would be getpid */
    return 0;
}
