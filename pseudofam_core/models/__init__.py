"""Translation models of many families: found, fetched, tokenized, loaded, and their parameters in groups.

Only `loading` opens torch; other rooms may ask the rest at any time.
"""
