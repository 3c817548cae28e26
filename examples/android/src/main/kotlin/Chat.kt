// A chat with Krossbow on OkHttp, as in an app for Android; a terminal stands for its screen, and `runBlocking` for its
// scope. Every line typed goes to PEER. `mvn -q compile && mvn -q exec:java -Dexec.args="NAME PASSWORD PEER"`
import java.security.MessageDigest
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import okhttp3.HttpUrl.Companion.toHttpUrl
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.RequestBody.Companion.toRequestBody
import org.hildan.krossbow.stomp.StompClient
import org.hildan.krossbow.stomp.sendEmptyMsg
import org.hildan.krossbow.stomp.sendText
import org.hildan.krossbow.stomp.subscribeText
import org.json.JSONObject

val url = System.getenv("HONGYAN_URL") ?: "http://127.0.0.1:8080"
val okHttp = OkHttpClient()

fun rest(path: List<String>, body: JSONObject? = null, token: String = ""): JSONObject {
    val place = path.fold(url.toHttpUrl().newBuilder()) { place, segment -> place.addPathSegment(segment) }.build()
    val request = Request.Builder().url(place).header("Authorization", "Bearer $token")
    body?.let { request.post(it.toString().toRequestBody()) }
    return okHttp.newCall(request.build()).execute().use { JSONObject(it.body!!.string()) }
}

fun main(arguments: Array<String>) = runBlocking {
    val (name, password, peer) = arguments
    val account = JSONObject(mapOf("name" to name, "password" to password))
    rest(listOf("api", "users"), account) // makes the account, unless the name is taken
    val login = rest(listOf("api", "login"), account)
    val token = login.optString("token").ifEmpty { error(login.getString("content")) }

    val client = StompClient(OkHttpForKrossbow(okHttp))
    val session = client.connect("${url.replaceFirst("http", "ws")}/client?srect=$token")
    val statuses = session.subscribeText("/user/queue/send/status")
    val messages = session.subscribeText("/user/$name/recive")
    launch {
        statuses.collect { with(JSONObject(it)) { println("${get("code")} ${get("status")} ${get("content")}") } }
    }
    launch {
        messages.collect {
            val message = JSONObject(it)
            println("${message.getString("sender")}: ${message.getString("content")}")
            session.sendText("/socket/chat/recive", """{"msgID":"${message.getString("chatID")}"}""") // it has arrived
        }
    }
    session.sendEmptyMsg("/socket/chat/init") // push what came while I was away

    while (true) {
        val content = withContext(Dispatchers.IO) { readlnOrNull() } ?: break
        val receiver = withContext(Dispatchers.IO) { rest(listOf("api", "users", peer), token = token) }
        if (!receiver.has("uid")) {
            println(receiver.getString("content"))
            continue
        }
        val sha1 = MessageDigest.getInstance("SHA-1").digest("$content${System.currentTimeMillis()}".toByteArray())
        val msgId = sha1.joinToString("") { "%02x".format(it) }
        val body = mapOf("msgID" to msgId, "reciverId" to receiver.getLong("uid"), "content" to content)
        session.sendText("/socket/chat/send", JSONObject(body).toString())
    }
    session.disconnect()
    coroutineContext.cancelChildren()
    okHttp.dispatcher.executorService.shutdown()
    okHttp.connectionPool.evictAll()
}
