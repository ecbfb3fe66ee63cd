package redis

import "github.com/redis/go-redis/v9"

// The keys, all beginning with the prefix:
//
//	s:ID     a session: b what is sealed, v its version, c and t the keys of
//	         its code and state, e when it ends in milliseconds of Redis's time
//	c:CODE   the ID of the session with this code
//	t:STATE  the ID of the session with this state
//	due      the IDs of the sessions that owe a callback, by when it is due
//	live     the IDs of all sessions by when they end
//	key      which key the sessions are sealed with
//
// The first write of a script is one that Redis refuses when its memory is
// full: after any other it lets the whole script through.
//
// Every key expires. Redis's own clock is asked in every script; the
// brokers' clocks are not compared with it.

const clockLua = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
`

// createScript adds a session. KEYS: session, code, live, key, state. ARGV: ID,
// what is sealed, life in milliseconds, limit, the mark of the key, its life,
// whether there is a state. The key of a code or state that is there belongs to
// a session that has not expired. What has expired leaves the list of all
// sessions in batches: no creation pays for a whole crowd.
var createScript = redis.NewScript(clockLua + `
local mark = redis.call('GET', KEYS[4])
if mark and mark ~= ARGV[5] then return 'key' end
if redis.call('EXISTS', KEYS[2]) == 1 then return 'code' end
local state = ''
if ARGV[7] == '1' then
	state = KEYS[5]
	if redis.call('EXISTS', state) == 1 then return 'state' end
end
if redis.call('ZCOUNT', KEYS[3], '(' .. string.format('%d', now), '+inf') >= tonumber(ARGV[4]) then return 'full' end
local life = tonumber(ARGV[3])
local ends = now + life
redis.call('HSET', KEYS[1], 'b', ARGV[2], 'v', 1, 'c', KEYS[2], 't', state, 'e', string.format('%d', ends))
redis.call('PEXPIRE', KEYS[1], life)
redis.call('SET', KEYS[2], ARGV[1], 'PX', life)
if state ~= '' then redis.call('SET', state, ARGV[1], 'PX', life) end
redis.call('SET', KEYS[4], ARGV[5], 'PX', ARGV[6])
local over = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', string.format('%d', now), 'LIMIT', 0, 256)
if #over > 0 then redis.call('ZREM', KEYS[3], unpack(over)) end
redis.call('ZADD', KEYS[3], ends, ARGV[1])
if redis.call('PTTL', KEYS[3]) < life then redis.call('PEXPIRE', KEYS[3], life) end
return 'ok'
`)

// findScript reads a session. KEYS: session, or code or state. ARGV: the prefix
// of sessions if KEYS[1] is a code or a state, else empty.
var findScript = redis.NewScript(clockLua + `
local key, id = KEYS[1], ''
if ARGV[1] ~= '' then
	id = redis.call('GET', key)
	if not id then return {} end
	key = ARGV[1] .. id
end
local s = redis.call('HMGET', key, 'b', 'v', 'e')
if not s[1] then return {} end
return {id, s[1], s[2], s[3], string.format('%d', now)}
`)

// replaceScript stores a changed session. KEYS: session, new state, due. ARGV:
// ID, what is sealed, version that was read, whether there is a state, in how
// many milliseconds a callback is due or nothing. HSET leaves the expiry of the
// key as it is.
var replaceScript = redis.NewScript(clockLua + `
local s = redis.call('HMGET', KEYS[1], 'v', 't')
local left = redis.call('PTTL', KEYS[1])
if not s[1] or left <= 0 then return 'gone' end
if s[1] ~= ARGV[3] then return 'changed' end
local state = ''
if ARGV[4] == '1' then state = KEYS[2] end
if state ~= s[2] and state ~= '' and redis.call('EXISTS', state) == 1 then return 'state' end
redis.call('HSET', KEYS[1], 'b', ARGV[2], 'v', s[1] + 1, 't', state)
if state ~= s[2] then
	if s[2] ~= '' then redis.call('DEL', s[2]) end
	if state ~= '' then redis.call('SET', state, ARGV[1], 'PX', left) end
end
if ARGV[5] == '' then
	redis.call('ZREM', KEYS[3], ARGV[1])
else
	redis.call('ZADD', KEYS[3], string.format('%d', now + ARGV[5]), ARGV[1])
	if redis.call('PTTL', KEYS[3]) < left then redis.call('PEXPIRE', KEYS[3], left) end
end
return 'ok'
`)

// owingScript reads the sessions whose callback is due, and forgets those that
// are gone. KEYS: due. ARGV: the prefix of sessions, limit.
var owingScript = redis.NewScript(clockLua + `
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%d', now), 'LIMIT', 0, ARGV[2])) do
	local b = redis.call('HGET', ARGV[1] .. id, 'b')
	if b then
		found[#found + 1] = id
		found[#found + 1] = b
	else
		redis.call('ZREM', KEYS[1], id)
	end
end
return found
`)

// countScript counts sessions. KEYS: live.
var countScript = redis.NewScript(clockLua + `
return redis.call('ZCOUNT', KEYS[1], '(' .. string.format('%d', now), '+inf')
`)

// keyScript answers 1 if the sessions are sealed with this key, or if there are
// none. KEYS: key, live. ARGV: the mark of the key, its life.
var keyScript = redis.NewScript(`
local mark = redis.call('GET', KEYS[1])
if mark and mark ~= ARGV[1] and redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`)
