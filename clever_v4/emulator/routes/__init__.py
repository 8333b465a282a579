"""
The families of the API's routes: what is answered to which request.
"""
