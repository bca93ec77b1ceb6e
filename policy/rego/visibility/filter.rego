package cadastre.visibility

# METADATA
# title: What a person sees of the catalog
# description: All that any rule lets them see or discover; everything else is hidden.
# entrypoint: true
filter := {
	"visible": [clause | some clause in visible],
	"discoverable": [clause | some clause in discoverable],
}
