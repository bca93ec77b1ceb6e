//go:build !linux

package store_test

import "errors"

func mountMemory(string, int) error { return errors.ErrUnsupported }

func remount(string, bool) error { return errors.ErrUnsupported }

func unmount(string) error { return errors.ErrUnsupported }
