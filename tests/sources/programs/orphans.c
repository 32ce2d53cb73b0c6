/* orphans ROUNDS: each round a process forks without end and is killed in the
   middle of it.  Every child makes 7 getppid calls.  Prints how many children
   did. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int *done = mmap(NULL, sizeof *done, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    /* Orphans become children of this process, which waits for them. */
    if (argc != 2 || done == MAP_FAILED || prctl(PR_SET_CHILD_SUBREAPER, 1))
        return 1;
    for (int round = atoi(argv[1]); round > 0; round--) {
        pid_t forking = fork();
        if (forking == 0)
            for (;;) {
                pid_t child = fork();
                if (child == 0) {
                    for (int i = 0; i < 7; i++)
                        syscall(SYS_getppid);
                    __sync_fetch_and_add(done, 1);
                    _exit(0);
                }
                waitpid(child, NULL, 0);
            }
        usleep(3000 + 37 * round);
        kill(forking, SIGKILL);
        while (wait(NULL) > 0)
            ;
    }
    printf("%d\n", *done);
    return 0;
}
