package registry

import (
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// role is which part of a message a subject describes.
type role int

const (
	roleNone role = iota
	roleKey
	roleValue
)

// inContext returns the context of a subject, empty for the default one, and
// its name there.
func inContext(subject string) (context, name string) {
	rest, ok := strings.CutPrefix(subject, ":.")
	if !ok {
		return "", subject
	}
	context, name, ok = strings.Cut(rest, ":")
	if !ok {
		return "", subject
	}
	return context, name
}

// topicOf returns the topic that a subject describes and which part of its
// messages, by the three ways in which subjects are named:
//
//	orders-value                  the topic, then -key or -value
//	com.acme.Order                the record: the topic is not told
//	orders-com.acme.Order         the topic, then the record
//
// The record is the full name of the schema, empty where it is no record. The
// names are compared whole: a topic never claims a subject that only begins
// like it; and what ends in -key is a key, though its record be named "key".
// Subjects outside the default context mirror other clusters, and
// tell no topic of this one.
func topicOf(subject, record string) (string, role) {
	context, name := inContext(subject)
	if context != "" || name == record {
		return "", roleNone
	}
	if topic, ok := strings.CutSuffix(name, "-value"); ok && topic != "" {
		return topic, roleValue
	}
	if topic, ok := strings.CutSuffix(name, "-key"); ok && topic != "" {
		return topic, roleKey
	}
	if topic, ok := strings.CutSuffix(name, "-"+record); ok && record != "" && topic != "" {
		return topic, roleValue
	}
	return "", roleNone
}

func (s *Source) subjectRef(subject string) graph.Ref {
	return graph.Ref{Namespace: "schemaregistry://" + s.host, Name: subject}
}

func (s *Source) topicRef(topic string) graph.Ref {
	return graph.Ref{Namespace: "kafka://" + s.cfg.Cluster, Name: topic}
}

// topics are those that the configuration names, sorted.
func (s *Source) topics() []string {
	out := slices.Clone(s.cfg.Topics)
	for topic := range s.cfg.Tables {
		out = append(out, topic)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
