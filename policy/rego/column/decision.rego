package cadastre.column
