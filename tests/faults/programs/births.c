/* births N [K]: N short-lived children, K of them alive at a time. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    long births = argc > 1 ? atol(argv[1]) : 1, at_once = argc > 2 ? atol(argv[2]) : 1, alive = 0;

    while (births || alive) {
        if (births && alive < at_once) {
            births--;
            alive++;
            switch (fork()) {
            case -1:
                return 1;
            case 0:
                usleep(at_once > 1 ? 1000 : 0);
                _exit(0);
            }
        } else {
            wait(0);
            alive--;
        }
    }
    return 0;
}
