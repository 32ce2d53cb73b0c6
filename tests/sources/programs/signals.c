/* Sends itself 101 signals of three kinds, one of them SIGTRAP, and ends with
   status 0 if its handler got each of them once. */
#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t got[65];

static void count(int number) { got[number]++; }

int main(void)
{
    const int kinds[] = {SIGUSR1, SIGTRAP, SIGCHLD};
    for (int k = 0; k < 3; k++)
        signal(kinds[k], count);
    for (int i = 0; i < 101; i++)
        for (int k = 0; k < 3; k++)
            kill(getpid(), kinds[k]);
    for (int k = 0; k < 3; k++)
        if (got[kinds[k]] != 101)
            return 10 + k;
    return 0;
}
