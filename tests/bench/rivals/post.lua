-- wrk posts 250 bytes of JSON.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"message":"' .. string.rep("x", 236) .. '"}'
