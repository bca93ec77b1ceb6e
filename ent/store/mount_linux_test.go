package store_test

import (
	"fmt"
	"syscall"
)

// mountMemory mounts a disk in memory on a folder.
func mountMemory(folder string, mib int) error {
	return syscall.Mount("tmpfs", folder, "tmpfs", 0, fmt.Sprintf("size=%dm", mib))
}

// remount lets a disk be written, or not.
func remount(folder string, readOnly bool) error {
	flags := uintptr(syscall.MS_REMOUNT)
	if readOnly {
		flags |= syscall.MS_RDONLY
	}
	return syscall.Mount("tmpfs", folder, "tmpfs", flags, "")
}

func unmount(folder string) error { return syscall.Unmount(folder, syscall.MNT_DETACH) }
