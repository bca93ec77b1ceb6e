package cadastre.action
