// The smallest function there is: says it runs, and ends. With an argument it stays for so many
// seconds.
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (write(1, "!", 1) != 1) return 1;
  return argc > 1 ? (int)sleep((unsigned)atoi(argv[1])) : 0;
}
