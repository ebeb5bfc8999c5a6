"""Where an artefact comes from, so that anybody can check it: bills, signatures, audits, and chains of them."""
