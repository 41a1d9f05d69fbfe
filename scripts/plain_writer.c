/* Writes the files of one directory into a day of each of so many nodes, as plainly as that can be done: a directory a
 * day, put in place by one rename once all contents are on the disk.
 *
 * usage: plain_writer SOURCE TARGET NODES
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_FILES 64

static struct { char name[256]; char *bytes; ssize_t size; } files[MOST_FILES];
static int count;

static int directory(const char *path)
{
    int fd;
    if (mkdir(path, 0750) || (fd = open(path, O_RDONLY | O_DIRECTORY)) < 0)
        err(1, "%s", path);
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        errx(2, "usage: plain_writer SOURCE TARGET NODES");
    const char *day = strdup(basename(strdup(argv[1])));
    DIR *source = opendir(argv[1]);
    if (!source)
        err(1, "%s", argv[1]);
    for (struct dirent *entry; (entry = readdir(source)) && count < MOST_FILES;) {
        struct stat status;
        int fd = openat(dirfd(source), entry->d_name, O_RDONLY);
        if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode)) {
            close(fd);
            continue;
        }
        snprintf(files[count].name, sizeof files[count].name, "%s", entry->d_name);
        files[count].bytes = malloc(status.st_size + 1);
        files[count].size = read(fd, files[count].bytes, status.st_size);
        close(fd);
        count++;
    }
    int root = directory(argv[2]), nodes = atoi(argv[3]);
    char from[64], to[64];
    for (int node = 1; node <= nodes; node++) {
        snprintf(to, sizeof to, "gpu%05d", node);
        snprintf(from, sizeof from, "gpu%05d/.tmp", node);
        if (mkdirat(root, to, 0750) || mkdirat(root, from, 0750))
            err(1, "%s", from);
        int made = openat(root, from, O_RDONLY | O_DIRECTORY);
        for (int file = 0; file < count; file++) {
            int fd = openat(made, files[file].name, O_WRONLY | O_CREAT | O_EXCL, 0640);
            if (fd < 0 || write(fd, files[file].bytes, files[file].size) != files[file].size || close(fd))
                err(1, "%s/%s", from, files[file].name);
        }
        close(made);
    }
    if (syncfs(root))
        err(1, "%s", argv[2]);
    for (int node = 1; node <= nodes; node++) {
        snprintf(to, sizeof to, "gpu%05d/%s", node, day);
        snprintf(from, sizeof from, "gpu%05d/.tmp", node);
        if (renameat(root, from, root, to))
            err(1, "%s", from);
    }
    if (syncfs(root))
        err(1, "%s", argv[2]);
    return 0;
}
