"""The hunt for triggers: under which conditions does a policy do worse than policies that are known to be clean?"""
