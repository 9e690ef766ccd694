"""How the example material is made: see `examples/README.md`.

bank       what can be said about each question, right and wrong (`examples/bank/*.toml`)
students   invented students, and what each of them writes
examiners  what such an answer is worth, and what a human examiner gives it
plan       who sits what, in which format, with which oddities: everything the tests compare with
guides     marking guides as text, each in the layout of its author
papers     students' papers as text, each in the layout of its writer
formats    lines of text as TXT, MD, HTML, RTF, PDF and DOCX files
"""
