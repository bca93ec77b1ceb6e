package cadastre.column

# METADATA
# title: Regions are left empty
# description: Cities, postal codes and regions are left empty, except where the purpose needs them.
# custom:
#   id: mask.region
treatment["region"] := protect(rego.metadata.rule(), "mask", "null")
