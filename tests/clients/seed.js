// The client of the protocol's own document, in its own words: each function holds one of its samples, and `…` marks
// what was put right because it is not JavaScript, or because the document leaves it to the reader. It is loaded as a page
// would load it, as a script with SockJS, Stomp and Hashes around it (seed.test.mjs).

function connect(srect, connected) {
		sock = new SockJS("http://127.0.0.1:8080/Mimi/socketServer?srect=" + srect);
		stomp = Stomp.over(sock); // 使用stomp协议
		stomp.connect({}, connected); // … is missing
}

function subscribeMessages(uname) {
		stomp.subscribe(
			"/user/"+uname+"/recive", // … {uname}, which stands for the name
			function (message) {
						console.info("message: "+ message);
						var chatMsg = JSON.parse(message.body);
						reciveMsg(chatMsg.chatID);
				});
}

function subscribeErrors() {
 		stomp.subscribe(
			"/user/queue/status", 
			function (message) {
						console.info("exception: "+ message);
				});
}

function subscribeSendStatus() {
  		stomp.subscribe("/user/queue/send/status", 
			function (message) {
						console.info("send status: "+ message);
				});	
}

function subscribeReciveStatus() {
  		stomp.subscribe("/user/queue/recive/status",
			function (message) {
						console.info("recive status: "+ message);
				});
}

function sendMsg(reciverId, content) { // … 2, '聊天内容'
		var SHA1 = new Hashes.SHA1;
		var  data = {
				'reciverId':reciverId, // …
				'content':content // …
			}
		var srect  = SHA1.hex(data+ (new Date()).getTime()); // … getTime(););
		data.msgID = srect;	
		//data = {reciverId: 2, content: "聊天内容", msgID: 	"edb1ca1101d9f3406e7e269c9a3d4fe0034ca48b"}			
		stomp.send(
				"/socket/chat/send",
				{},
				JSON.stringify(data)
			);
}

function reciveMsg(chatId) { // … is called, but its sample has no name
		stomp.send(
			"/socket/chat/recive",
			{},
			JSON.stringify({
	                		'msgID':chatId // … no colon
	                		  })
			);
}

function init() {
			stomp.send
			(
			"/socket/chat/init",
			{}, 
			null
			);
}
