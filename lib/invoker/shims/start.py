# Runs bootstrap.py beside it: from bytecode where this interpreter reads it, which spares each start the compiler.
import marshal
from _frozen_importlib_external import MAGIC_NUMBER

__file__ = __file__.rpartition("/")[0] + "/bootstrap.py"
with open(__file__ + "c", "rb") as file:
    code = file.read()
if code[:4] == MAGIC_NUMBER:
    code = marshal.loads(code[16:])
else:
    with open(__file__, "rb") as file:
        code = compile(file.read(), __file__, "exec")
exec(code)
