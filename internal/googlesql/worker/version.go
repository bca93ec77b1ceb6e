package main

import "runtime/debug"

// version says which protocol is spoken and by what the answers are given.
type version struct {
	Protocol int    `json:"protocol"`
	Analyzer string `json:"analyzer"`
	Executor string `json:"executor"`
}

func versions() version {
	v := version{Protocol: protocol}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, m := range info.Deps {
		switch m.Path {
		case "github.com/goccy/go-googlesql":
			v.Analyzer = m.Path + " " + m.Version
		case "github.com/goccy/googlesqlite":
			v.Executor = m.Path + " " + m.Version
		}
	}
	return v
}
