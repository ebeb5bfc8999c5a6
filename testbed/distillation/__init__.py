"""From teacher to student: `teachers` are made, `routes` hand on what they do, `losses` say what each route minimises.

`stacked` trains many students at once, `reinforcement` lets one practise, `journal` keeps curves and what a killed
training goes on from.
"""
