package cadastre.visibility
